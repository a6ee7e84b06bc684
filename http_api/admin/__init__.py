"""`/admin/*`: calls for administrators and for tools of staff."""
