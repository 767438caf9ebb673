"""Named situations: what is set up, what is driven, what is observed. None chooses a back end."""
