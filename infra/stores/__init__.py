"""Where things are kept: one file for what each server holds."""
