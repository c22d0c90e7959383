"""Reading the calendar addresses of people: only the times at which they are busy are kept."""
