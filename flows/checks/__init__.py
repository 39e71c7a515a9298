"""What is looked at before a run starts: the model, the method against its rewards, and memory."""
