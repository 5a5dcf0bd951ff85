"""What is signed: statements by talents, grants by the house."""
