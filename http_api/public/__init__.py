"""What anybody may call: clicks, links, the site’s own pages."""
