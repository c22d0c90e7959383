"""The peer a careful developer writes by the book: FastAPI, the SQLAlchemy ORM, Pydantic, normalized tables."""
