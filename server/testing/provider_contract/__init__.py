"""What every provider over HTTP must do, as tests to subclass: a real server speaks the provider's wire.

class TestMyProvider(ProviderContract):
    @pytest.fixture
    def wire(self) -> Wire:
        return MyWire()

What the wire's published form has no words for stands in `Wire.lacks`, with the
reason; the tests of it are skipped with that reason.
"""

from server.testing.provider_contract.answers import Answers
from server.testing.provider_contract.counting import Counting
from server.testing.provider_contract.ends import Ends
from server.testing.provider_contract.errors import Errors
from server.testing.provider_contract.requests import Requests


class ProviderContract(Answers, Counting, Ends, Errors, Requests):
    """Subclass it, and give it the fixture `wire`."""
