"""One reader of headers per image format; each is handed bytes whose signature matched."""
