"""What outlives a process: blobs by digest, secrets encrypted at rest, and append-only journals."""
