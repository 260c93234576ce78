"""swruntime."""
