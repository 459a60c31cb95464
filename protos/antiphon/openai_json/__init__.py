"""Between OpenAI's JSON and protobuf, by what the `.proto` files say and nothing else.

One JSON policy, both ways:

- Strict UTF-8, one value, no byte order mark, no lone surrogates, no NaN or
  infinity (`1e400` included). Nesting to 90 levels in the typed part and to
  250 in free-form parts; beyond that, up to 1024, as the call stack allows.
- Of a key that stands twice in an object, the last counts.
- Integers are exact within the field's range. Free-form JSON (`parameters`,
  `schema`, ...) and unknown members keep their text as it was written, but
  for line breaks between tokens: what `encode` writes is one line.
- `null` means absent. Of optional lists and maps, empty means absent, where
  the API gives the two no different meanings. A union member whose type is
  told by its shape (a message without `type`) gets its `type` spelled out.
- Nothing is lost: unknown members, types and words come out as they went in.

`encode` writes `null`, `[]`, `""` and `0` where OpenAI's schema requires the
member; the rest is left out when unset.

Messages that came over gRPC hold raw JSON which nobody has read yet: `check`
it before use. `json_path` tells a field of the contract in the API's words.
"""

from antiphon.openai_json.checks import check
from antiphon.openai_json.decode import arm_decoders, decode, decode_value, decoder, parse
from antiphon.openai_json.encode import encode, spell, speller
from antiphon.openai_json.errors import (
    CodecError,
    DecodeError,
    MalformedJson,
    MissingMember,
    WrongType,
    WrongValue,
    spell_path,
)
from antiphon.openai_json.paths import json_path

__all__ = [
    "CodecError",
    "DecodeError",
    "MalformedJson",
    "MissingMember",
    "WrongType",
    "WrongValue",
    "arm_decoders",
    "check",
    "decode",
    "decode_value",
    "decoder",
    "encode",
    "json_path",
    "parse",
    "spell",
    "spell_path",
    "speller",
]
