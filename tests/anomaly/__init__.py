"""Generated histories, benign and attacked, and how well they are told apart."""
