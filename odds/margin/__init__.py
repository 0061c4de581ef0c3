"""The margin: taken out of prices, put onto chances, and kept when prices are rounded.

Every function works on a batch: one market a row, NaN pads short rows, and a row that has no solution is flagged with
its reason while all others are solved as if it were not there.
"""
