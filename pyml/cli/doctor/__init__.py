"""``pyml doctor``: what pyml needs of this machine, looked at one by one, and what to do where something is missing."""
