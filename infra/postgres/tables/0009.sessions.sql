-- depends: 0002.players

-- How often every session of the player was ended: one that was opened under an earlier number is over.
ALTER TABLE pam.player ADD COLUMN session_epoch integer NOT NULL DEFAULT 0;
