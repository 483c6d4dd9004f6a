"""The page of headline figures, written from the files in ``bench/results``."""
