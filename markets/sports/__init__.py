"""Sports, one file each: what a module here declares as `SPORTS` is known to the catalogue, to feeds and to screens."""
