"""What a response is made from: checked, put together with its history, and measured."""
