"""From a thing (a picture, a text, a sound) to a vector of integers that similar things share most signs of."""
