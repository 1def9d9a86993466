"""What a character knows from texts that its owner gave it: documents, cut into passages, and found by a question."""
