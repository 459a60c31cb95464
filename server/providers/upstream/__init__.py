"""One provider over HTTP, whatever it speaks: its options, how it is asked, how its answer is read, how it refuses."""
