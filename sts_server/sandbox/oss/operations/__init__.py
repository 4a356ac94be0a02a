"""The operations of OSS, one room per noun: each says what it needs of RAM and does its work."""
