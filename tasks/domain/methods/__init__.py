"""The methods of the family, a file each: the paper, what is assumed, and the settings. tasks/domain/algorithms.py finds them."""
