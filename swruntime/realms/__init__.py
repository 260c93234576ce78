"""What scripts see, by language. The agent reaches a realm through `swruntime.ports.realm`."""
