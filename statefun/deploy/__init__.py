"""What functions and an engine are deployed with: a Dockerfile, a Compose file, Kubernetes manifests, as texts that somebody else writes."""
