"""Every page of the back-office; what the pages do is done by the domain’s services."""
