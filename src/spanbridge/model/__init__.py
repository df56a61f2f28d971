"""What a span is: types, typed attributes, identifiers and the record that travels to every exit."""
