"""What was used: entries made of the record of each response, written through the store, summed and printed."""
