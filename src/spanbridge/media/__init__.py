"""Media in payloads: found, taken out, and a reference left in their place.

sniffing.py       which format bytes are, told from the bytes
base64_text.py    base64 as it stands in messages: found fast, decoded whole or not at all
declarations.py   what the shapes of providers say of the bytes beside them
references.py     what stands in the place of media
finder.py         one walk over a decoded payload
step.py           the step of the processor chain
"""
