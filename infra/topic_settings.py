"""How our topics are made. Apart from the client, so that who only tells of it loads none."""

PARTITIONS = 3
RETENTION_MILLISECONDS = 7 * 24 * 3600 * 1000
MAX_MESSAGE_BYTES = 1_000_000
"""A record, uncompressed, and a batch of them: what the producer holds itself to."""
BATCH_OVERHEAD_BYTES = 512
"""What a batch adds to its records on the wire (61 bytes, by the protocol), with room."""
TOPIC_MAX_MESSAGE_BYTES = 1_048_588
"""Kafka's own default, stated so that a broker set otherwise cannot refuse what we may send."""
CLEANUP_POLICY = "delete"
