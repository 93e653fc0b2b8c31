"""tensorboard.src of 2017: the messages that its users import."""
