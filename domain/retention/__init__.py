"""What is thrown away, and when: ended jobs, published events, synced exports, ended restock
notices, expired keys."""
