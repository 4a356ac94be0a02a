"""The names of access control lists (OSS: "Bucket ACLs", "Object ACLs")."""

BUCKET_ACLS = ("private", "public-read", "public-read-write")
OBJECT_ACLS = ("default", *BUCKET_ACLS)
