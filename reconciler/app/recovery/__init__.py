"""Recovery plans: made, tested in a sandbox, carried out, told."""
