"""OpenID Connect: a caller shows a token that their issuer signed for this server."""
