"""module.yaml: text to the neutral model (`load`), and the neutral model to text (`render`)."""
