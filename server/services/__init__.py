"""The methods of the contract's services: each reads the caller, calls the engine and returns."""
