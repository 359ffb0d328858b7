"""module.yaml: text to the neutral model (`load`) and back (`render`), written from functions (`generate`) and held against them (`check`)."""
