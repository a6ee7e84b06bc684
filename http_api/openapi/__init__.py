"""The OpenAPI document: made of the views, the structs they decode and the types they answer with.

`operations` says per view what the code cannot say by itself, `rendering` turns that into OpenAPI, `document`
puts everything together, `changes` compares two documents.
"""
