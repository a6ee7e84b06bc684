"""What support needs to answer "where is my reward?": reading and wording, without a page of its own."""
