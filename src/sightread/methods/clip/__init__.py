"""Plain CLIP, trained from scratch on rendered pictures: the backbone of the small studies."""
