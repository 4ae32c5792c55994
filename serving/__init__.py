"""What the service needs besides the core: the model store, the current model, and HTTP."""
