"""Keys from embeddings (arXiv 1711.04069): from an image, text or sound to a private key, addresses, signatures."""
