"""What answers look like, one file a slice: told in the document, and held by the tests."""
