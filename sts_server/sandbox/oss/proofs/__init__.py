"""The ways to prove who sends an OSS request, one file for each."""
