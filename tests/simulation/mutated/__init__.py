"""Wrong engines: each function makes one decision of the engine wrong while its context lasts. Its first line says what is wrong then."""
