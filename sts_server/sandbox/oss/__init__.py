"""OSS: object requests, refused before they are served."""
