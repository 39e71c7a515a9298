"""The loaders, a file each; tasks/data/loader.py says what one is."""
