"""Further columns of the data set, a file each; tasks/domain/column.py says what one is."""
