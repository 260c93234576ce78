"""All messages of the program, from its syntax trees: what it raises, warns of and diagnoses. `python -m tests.messages`"""

from __future__ import annotations

from tests.messages.listing import messages

for message in messages():
    print(f"{message.file}:{message.line}: {message.text}")
