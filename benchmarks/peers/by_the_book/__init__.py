"""A peer as a careful developer writes it by the book: FastAPI, the SQLAlchemy ORM, Pydantic, normalized tables."""
