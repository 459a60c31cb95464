"""What a request asks for, read once for every wire that is not the Responses API's own.

    loss      what cannot be carried: refused or named, never dropped
    tools     the tools on offer, as functions and as the provider's own
    calls     calls, as providers insist on them
    reading   the items, as turns made of blocks
    blocks    what those are
    media     images, files and audio
    unwrap    the input of a custom tool, out of the arguments of the function that stands in for it

An adapter writes its provider's body from these, and takes from the request
only the fields that its `Loss` is told of, so that what nobody thought of is
refused by name.
"""
